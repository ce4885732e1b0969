"""Herramientas de mantenimiento del curso: cada módulo es uno de los verbos de `make`."""
