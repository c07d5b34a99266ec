"""Read, write and convert recordings; schedule their replay."""
