"""Corta la red a todo Python que tenga esta carpeta en PYTHONPATH; con la propia máquina sí se puede hablar.

Python lo importa solo al arrancar, así que llega también a los núcleos de los cuadernos y a sus procesos.
"""

import ipaddress
import socket


def is_local(host):
    """¿Es esta máquina? Una dirección de AF_UNIX no tiene `host` y siempre lo es."""
    if host in (None, "", b"", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback
    except ValueError:
        return False


def refuse(host):
    raise OSError(f"La red está cortada en las pruebas: {host!r} no es esta máquina.")


def guarded_connect(original):
    def connect(self, address):
        if isinstance(address, tuple) and not is_local(address[0]):
            refuse(address[0])
        return original(self, address)

    return connect


def guarded_lookup(host, *args, **kwargs):
    if not is_local(host):
        refuse(host)
    return original_lookup(host, *args, **kwargs)


original_lookup = socket.getaddrinfo
socket.getaddrinfo = guarded_lookup
socket.socket.connect = guarded_connect(socket.socket.connect)
socket.socket.connect_ex = guarded_connect(socket.socket.connect_ex)
