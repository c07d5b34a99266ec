"""Detection of road users in streams of stereo pairs, for the moment the result is used."""
