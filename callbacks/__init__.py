"""Lightning callbacks: writers that append results to disk, and image grids.

Add callbacks here that know certificates, draws and run directories. They know no model and compute no radius.
"""
