"""What is for machines."""
