# Los verbos del curso. `make curso` y `make test` se bastan solos: preparan .venv la primera vez y después
# solo comprueban, en menos de un segundo, que sigue siendo el que toca.
SHELL := /bin/sh
PY := $(if $(filter Windows_NT,$(OS)),.venv/Scripts/python.exe,.venv/bin/python)

.DEFAULT_GOAL := ayuda
.PHONY: ayuda curso actualizar test lentas navegador test-todo colab minimas ultimas vocabulario bench lecciones paginas sitio lint direccion candado entorno herramientas

ayuda:
	@echo "make curso       abre JupyterLab en tu copia de la lección 00 (SIN_NAVEGADOR=1: solo escribe la dirección)"
	@echo "make actualizar  trae la edición nueva del curso sin pisar lo que has escrito"
	@echo "make test        pasa las pruebas de cada cambio"
	@echo "make lentas      pasa las que tardan: las lecciones que entrenan, las soluciones en una GPU simulada…"
	@echo "make navegador   pasa las que abren un navegador (en Debian y como administrador, lo instala)"
	@echo "make test-todo   todas, y lo largo: las lecciones en Colab y con un modelo de la forma del de OpenAI"
	@echo "make colab       solo las lecciones con las versiones de Colab"
	@echo "make minimas     las pruebas con las versiones más bajas que admite pyproject.toml; make ultimas, las más altas"
	@echo "make vocabulario las pruebas que piden el vocabulario de GPT-1, que descarga (1,3 MB)"
	@echo "make bench       mide tiempo y memoria junto a los rivales (cerca de una hora; G=tokenizer: solo ese grupo)"
	@echo
	@echo "make lecciones   vuelve a ejecutar las lecciones y guarda sus salidas (L=03: solo la 03)"
	@echo "make paginas     escribe el glosario y las afirmaciones del artículo a partir de data/"
	@echo "make sitio       monta en _site/html el sitio con las lecciones y gpt1-mini en vivo"
	@echo "make lint        revisa el estilo del código y de los cuadernos"
	@echo "make direccion   sella insignias y puesta en marcha con REPO=https://… (REPO= las quita)"
	@echo "make candado     recalcula requirements.lock (NUEVO=1: con lo último de cada paquete)"
	@echo
	@echo "PYTHON=python3.12 elige el intérprete; TORCH=cpu, en Linux, evita descargar CUDA."

# Cualquier Python 3 vale para arrancar: tools/setup_env.py busca después el del curso. `herramientas` es el entorno
# más lo que piden las pruebas.
herramientas: GROUP := dev
entorno herramientas:
	@for p in "$$PYTHON" python3 python3.11 python3.12 python3.13 python py; do \
		if [ -n "$$p" ] && "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1; then \
			exec "$$p" -m tools.setup_env $(GROUP); \
		fi; \
	done; \
	echo "No encuentro Python: instala Python 3.11 desde python.org o con el gestor de paquetes de tu sistema y repite la orden." >&2; \
	exit 1

curso: entorno
	@$(PY) -m tools.open_lab

actualizar: entorno
	@$(PY) -m tools.update

test: herramientas
	@echo "→ Pruebas, en dos procesos"
	@$(PY) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not browser and not slow"

lentas: herramientas
	@echo "→ Pruebas lentas, en dos procesos"
	@$(PY) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m slow

navegador: herramientas
	@$(PY) -m tools.browser
	@$(PY) -m pytest -q -m browser

colab: herramientas
	@$(PY) -m tools.setup_colab
	@$(PY) -m pytest -q -n 2 --dist loadfile tests/long/test_colab.py

test-todo: test lentas navegador
	@$(PY) -m tools.setup_colab
	@echo "→ Lo largo"
	@$(PY) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder tests/long

minimas ultimas: herramientas
	@$(PY) -m tools.try_versions $@

.vocabulario/merges.txt: | herramientas
	@$(dir $(PY))hf download openai-community/openai-gpt vocab.json merges.txt --local-dir $(@D) --quiet

vocabulario: .vocabulario/merges.txt
	@OPENAI_GPT_TOKENIZER=$(CURDIR)/.vocabulario $(PY) -m pytest -q tests/test_golden.py tests/test_tokenizer.py

bench: herramientas
	@$(PY) -m tests.benchmarks $(G)

lecciones: herramientas
	@$(PY) -m tools.run_lessons $(L)

paginas: herramientas
	@$(PY) -m tools.make_pages

sitio: herramientas
	@$(PY) -m tools.make_site

lint: herramientas
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m tools.check_semicolons

direccion: herramientas
	@$(PY) -m tools.stamp_address $(if $(filter undefined,$(origin REPO)),,"$(REPO)")

candado: herramientas
	@$(PY) -m tools.make_lock
