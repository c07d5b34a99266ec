"""Visual place recognition with spiking networks: teach a route once, know any frame of it."""
