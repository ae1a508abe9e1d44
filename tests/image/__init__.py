"""What is in the container image, asked of the image itself."""
