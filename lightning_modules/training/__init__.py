"""Lightning modules that train base classifiers and denoisers, their schedules, and recipes to rebuild objects.

Add here new trainings. Losses are in `lightning_modules.objectives`, networks in `lightning_modules.architectures`.
"""
