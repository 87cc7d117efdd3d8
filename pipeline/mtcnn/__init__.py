"""What stands behind `detect.py`: the batched cascade of MTCNN, its networks and their arithmetic."""
