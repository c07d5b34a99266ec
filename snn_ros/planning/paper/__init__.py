"""The published network of spiking autonomous driving, to the unit.

Source: Zhu, Wang, Gilpin and Eshraghian, NeurIPS 2024, arXiv 2405.19687.
"""
