"""Planning of a car's next seconds from six cameras with a spiking network."""
