"""Tables, figures, comparisons and loggers of finished runs.

Reports read certificates and run directories. They do not depend on models or Lightning modules.
"""
