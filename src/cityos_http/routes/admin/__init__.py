"""What is for administrators."""
