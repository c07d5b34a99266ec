"""KITTI's file formats and conventions, for all who read, write or score by them."""
