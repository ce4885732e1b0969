"""Preentrenar un GPT-1 de cualquier tamaño desde archivos de texto, con la receta del artículo (§4.1).

`python -m helpers.pretraining --corpus CARPETA --out runs/mio` hace todo: vocabulario BPE, tokens y entrenamiento;
si se interrumpe, la misma orden sigue donde iba. Lección 09.
"""
