"""What is for members of a vendor's team."""
