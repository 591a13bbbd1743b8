"""Lightning callbacks: writers that append finished work to disk, and image grids.

A callback knows certificates, draws and run directories, and no model. Nothing here computes a radius.
"""
