"""Con `__init__` propio: alguna biblioteca (spylls) instala otro paquete que también se llama `tests`."""
