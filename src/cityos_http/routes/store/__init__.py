"""What is for storefronts and customers."""
