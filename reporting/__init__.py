"""What people look at: tables, figures, comparisons and loggers of finished runs.

A report reads certificates and run directories. It knows no model and no Lightning module.
"""
