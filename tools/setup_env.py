"""Prepara `.venv` con las versiones exactas de los candados; la segunda vez solo ve que no hay nada que hacer.

`python3 -m tools.setup_env` instala lo del curso; `python3 -m tools.setup_env dev`, además, las herramientas con las
que se prueba y se cambia. Lo llama `make` con el primer Python que encuentra, que puede ser más viejo que el del curso:
por eso solo usa la biblioteca estándar y una sintaxis que entiende Python 3.8.
"""

import contextlib
import errno
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "curso.sello"  # lo instalado corresponde a esta huella
UNFINISHED = VENV / "curso.a-medias"  # existe mientras se instala: si sobrevive, hubo una interrupción
LOG = ROOT / "instalacion.log"
LOCKS = {"curso": "requirements.lock", "dev": "requirements-dev.lock"}  # el segundo incluye el primero
VERSIONS = ("3.11", "3.12", "3.13")  # por orden de preferencia
BIN = "Scripts" if os.name == "nt" else "bin"
VENV_PYTHON = VENV / BIN / ("python.exe" if os.name == "nt" else "python")

PROBE = """
import importlib.util, json, platform, sys
print(json.dumps({
    "version": platform.python_version(),
    "executable": sys.executable,
    "venv": all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")),
}))
"""
NETWORK_ERRORS = re.compile(
    r"dns error|error sending request|client error \(connect\)|connection refused|connection reset|newconnectionerror"
    r"|name resolution|getaddrinfo failed|name or service not known|network is unreachable|no route to host"
    r"|failed to establish a new connection|proxyerror|max retries exceeded|read timed out|operation timed out",
    re.IGNORECASE,
)
DISK_ERRORS = re.compile(
    r"no space left on device|os error 28|errno 28|os error 112|disk quota", re.IGNORECASE
)

NO_SPACE = "El disco se ha llenado durante la instalación: libera unos 4 GB y repite la orden"
NO_NETWORK = (
    "No hay conexión con el índice de paquetes y la primera instalación la necesita: repite la orden con red"
)


class SetupError(Exception):
    """Un motivo, en una frase, por el que el entorno no puede prepararse."""


# --- Qué Python ---------------------------------------------------------------------------------------------


def candidates():
    """Órdenes que podrían ser un Python válido, de la más a la menos deseada (hay `shims` que existen y fallan)."""
    if os.environ.get("PYTHON"):
        yield [os.environ["PYTHON"]]
        return
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    for version in VERSIONS:
        yield ["python" + version]
        if os.name == "nt":
            yield ["py", "-" + version]
        for found in sorted(glob.glob(f"{pyenv}/versions/{version}.*/{BIN}/python"), reverse=True):
            yield [found]
    yield from (["python3"], ["python"], [sys.executable])


def probe(command):
    """Pregunta a un Python quién es; `None` si no existe, no arranca o no contesta."""
    try:
        answer = subprocess.run(
            [*command, "-c", PROBE], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
        )
        return json.loads(answer.stdout) if answer.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def choose_python():
    """El Python con el que se crea `.venv`: 3.11 si lo hay; si no, 3.12 o 3.13; siempre con su módulo `venv`."""
    seen, incomplete = [], None
    for command in candidates():
        found = probe(command)
        if not found:
            continue
        minor = found["version"].rpartition(".")[0]
        if minor not in VERSIONS:
            seen.append(found["version"])
        elif not found["venv"]:
            incomplete = incomplete or found
        else:
            return found
    if incomplete:
        minor = incomplete["version"].rpartition(".")[0]
        raise SetupError(
            f"A Python {incomplete['version']} le falta el módulo «venv»: instálalo"
            f" (en Debian o Ubuntu, «sudo apt install python{minor}-venv») y repite la orden."
        )
    asked = os.environ.get("PYTHON")
    if asked:
        raise SetupError(f"PYTHON={asked} no es un Python 3.11, 3.12 o 3.13 que funcione: indica otro.")
    others = f" (solo veo {', '.join(sorted(set(seen)))})" if seen else ""
    raise SetupError(
        f"No encuentro Python 3.11, 3.12 ni 3.13{others}: instala Python 3.11 desde python.org"
        " o con el gestor de paquetes de tu sistema y repite la orden."
    )


# --- Qué hay ya ---------------------------------------------------------------------------------------------


def fingerprint(group):
    """Huella de todo lo que decide qué hay instalado: si no cambia, no hay nada que hacer."""
    digest = hashlib.sha256(str(ROOT).encode())  # un .venv no sobrevive a un cambio de carpeta
    locks = LOCKS.values() if group == "dev" else [LOCKS["curso"]]
    for path in (*(ROOT / lock for lock in locks), VENV / "pyvenv.cfg"):
        digest.update(path.read_bytes())
    return group + " " + digest.hexdigest()


def venv_version():
    """Versión («3.11») del Python de `.venv`, o `None` si no se puede usar."""
    if not VENV_PYTHON.exists() or UNFINISHED.exists():
        return None
    found = probe([str(VENV_PYTHON)])
    minor = found and found["version"].rpartition(".")[0]
    return minor if minor in VERSIONS else None


def is_ready(group):
    """¿Está `.venv` como lo dejó la última instalación completa? Es lo único que se mira la segunda vez."""
    enough = [group, "dev"]  # quien tiene las herramientas tiene el curso
    try:
        installed = VENV_PYTHON.exists() and not UNFINISHED.exists() and STAMP.read_text()
        ready = installed in [fingerprint(each) for each in enough]
    except OSError:
        return False
    asked = os.environ.get("PYTHON")
    return ready and (not asked or venv_version() == choose_python()["version"].rpartition(".")[0])


# --- Instalar -----------------------------------------------------------------------------------------------


def check_space():
    """Falla antes de empezar si no va a caber, en vez de a mitad."""
    needed = float(os.environ.get("CURSO_ESPACIO_GB", "4").replace(",", "."))
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < needed:
        raise SetupError(
            f"No queda sitio en el disco: la instalación necesita unos {needed:g} GB y hay {free:.1f} GB libres;"
            " libera espacio y repite la orden (CURSO_ESPACIO_GB cambia el mínimo)."
        )


def installer_environment():
    """El entorno de los instaladores: uv no lee la configuración de pip, así que se la pasamos."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    env.update(PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1", UV_PYTHON_DOWNLOADS="never", PYTHONUTF8="1")
    for variable, option in (("UV_FIND_LINKS", "find-links"), ("UV_DEFAULT_INDEX", "index-url")):
        value = env.get("PIP_" + option.upper().replace("-", "_")) or pip_setting(option)
        if value and variable not in env:
            env[variable] = ",".join(value.split())  # pip separa con espacios; uv, con comas
    return env


def pip_setting(option):
    """Un ajuste global de pip, o una cadena vacía si no está puesto."""
    for scope in ("global", "user", "site"):
        answer = subprocess.run(
            [sys.executable, "-m", "pip", "config", "get", f"{scope}.{option}"],
            capture_output=True,
            text=True,
        )
        if answer.returncode == 0:
            return answer.stdout.strip()
    return ""


def run(command, env):
    """Ejecuta una orden con su salida en el registro y da señales de vida; devuelve si ha ido bien y lo que dijo."""
    started = reported = time.time()
    with LOG.open("a", encoding="utf-8") as log:
        log.write("\n$ " + " ".join(map(str, command)) + "\n")
        log.flush()
        start = log.tell()
        process = subprocess.Popen(
            list(map(str, command)), cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            while process.poll() is None:
                time.sleep(0.1)
                if time.time() - reported > 20:
                    reported = time.time()
                    say(f"  … sigo en ello ({reported - started:.0f} s)")
        except BaseException:
            process.terminate()
            raise
    with LOG.open(encoding="utf-8", errors="replace") as log:
        log.seek(start)
        return process.returncode == 0, log.read()


def run_all(commands, env):
    """Ejecuta unas órdenes, una tras otra; `SetupError` dice por qué ha fallado la primera que falle."""
    for command in commands:
        ok, output = run(command, env)
        if not ok:
            raise SetupError(f"{explain(output)} (detalle: {LOG.name}).")


def explain(output):
    """La frase que corresponde a lo que dijo un instalador al fallar."""
    if DISK_ERRORS.search(output) or shutil.disk_usage(ROOT).free < 20e6:  # `venv` falla sin decir que es eso
        return NO_SPACE
    return NO_NETWORK if NETWORK_ERRORS.search(output) else "La instalación ha fallado"


def remove_venv():
    if VENV.is_symlink():
        VENV.unlink()
    elif VENV.exists():
        shutil.rmtree(VENV)


def create_venv(python):
    """Crea `.venv` desde cero, ya marcada como a medias."""
    say(f"→ Creo .venv con Python {python['version']}")
    VENV.mkdir()
    UNFINISHED.touch()
    run_all([[python["executable"], "-m", "venv", VENV]], installer_environment())


def find_uv(env):
    """uv, si está en el sistema o se puede instalar en `.venv`; si no, `None` y se usa pip."""
    inside = VENV / BIN / ("uv.exe" if os.name == "nt" else "uv")
    if inside.exists():
        return str(inside)
    if shutil.which("uv"):
        return shutil.which("uv")
    pin = re.search(r"^uv==\S+", (ROOT / LOCKS["dev"]).read_text(encoding="utf-8"), re.MULTILINE)
    command = [VENV_PYTHON, "-m", "pip", "install", "-q", "--retries", "1", pin.group() if pin else "uv"]
    return str(inside) if run(command, env)[0] else None


def install_packages(group):
    """Instala un candado con uv o, si no puede ser, con pip."""
    env, torch = installer_environment(), os.environ.get("TORCH", "")
    uv = find_uv(env)
    if torch and not uv:
        raise SetupError(
            f"TORCH={torch} necesita uv: instálalo («pip install uv») o repite la orden sin TORCH."
        )
    if (
        not torch
        and not env.get("UV_FIND_LINKS")
        and sys.platform == "linux"
        and not shutil.which("nvidia-smi")
    ):
        say(
            "  (Sin GPU de NVIDIA, «make curso TORCH=cpu» descargaría varios GB menos: Ctrl-C si lo prefieres.)"
        )
    failure = "uv no está"
    if uv:
        say("→ Instalo lo que falta con uv (la primera vez, uno o dos minutos)")
        failure = install_with([uv, "pip", "install", "--python", VENV_PYTHON], group, env, torch)
    if failure and not torch and failure not in (NO_NETWORK, NO_SPACE):  # con esas, pip tampoco podría
        say("→ Instalo lo que falta con pip (la primera vez, de 3 a 10 minutos)")
        failure = install_with([VENV_PYTHON, "-m", "pip", "install", "--retries", "2"], group, env)
    if failure:
        raise SetupError(f"{failure} (detalle: {LOG.name}).")


def install_with(installer, group, env, torch=""):
    """Instala un candado con uv o con pip; devuelve por qué no ha podido, o `None`."""
    backend = ["--torch-backend", torch] if torch else []
    ok, output = run([*installer, "-r", LOCKS[group], *backend], env)
    return None if ok else explain(output)


@contextlib.contextmanager
def only_one():
    """Espera a que acabe otra instalación de la misma carpeta (dos `make` a la vez)."""
    try:
        import fcntl
    except ImportError:  # Windows: sin esta protección
        yield
        return
    with open(ROOT / ".venv.cerrojo", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("→ Otra instalación está en marcha: espero a que termine")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def prepare(group="curso"):
    """Deja `.venv` listo con un grupo de paquetes (`"curso"` o `"dev"`); no hace nada si ya lo está."""
    if is_ready(group):
        return
    with only_one():
        if is_ready(group):
            return
        started = time.time()
        current, asked = venv_version(), os.environ.get("PYTHON")
        python = choose_python() if asked or not current else None
        rebuild = python and python["version"].rpartition(".")[0] != current
        if rebuild:
            remove_venv()
            check_space()
        LOG.write_text("", encoding="utf-8")
        try:
            if rebuild:
                create_venv(python)
            UNFINISHED.touch()
            install_packages(group)
        except (SetupError, OSError):
            if rebuild:
                remove_venv()  # a medias no sirve y puede estar ocupando el sitio que falta
            raise
        STAMP.write_text(fingerprint(group))
        UNFINISHED.unlink()
        say(f"✓ Entorno listo en {time.time() - started:.0f} s")


def say(text):
    print(text, flush=True)


def main(group="curso"):
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        if group not in LOCKS:
            raise SetupError("No hay ningún grupo de paquetes «" + group + "»: los que hay son curso y dev.")
        prepare(group)
    except SetupError as problem:
        sys.exit(str(problem))
    except OSError as problem:
        if problem.errno != errno.ENOSPC:
            sys.exit(f"No puedo preparar el entorno: {problem}.")
        sys.exit(f"{NO_SPACE}.")
    except KeyboardInterrupt:
        print("\nInstalación interrumpida: repite la orden y empezará de nuevo.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main(*sys.argv[1:2])
