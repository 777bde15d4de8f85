"""What leaves the house: the wheel, and what the image is made from."""
