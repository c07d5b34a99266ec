"""Detection of road users in LiDAR scans with spiking sparse networks."""
