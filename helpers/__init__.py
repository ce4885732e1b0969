"""Herramientas del curso de GPT-1: tokenizador, decodificador, generación, ajuste fino y figuras.

Cada módulo tiene una sola idea y su docstring dice en qué lección se construye. Los módulos se importan
por separado (`from helpers import models`), así que abrir una lección no carga lo que no usa.
"""
