// Lo que el tema y myst-nb dejan en inglés y solo se oye o sale al pasar por encima.
const SPANISH = {
  "Link to this heading": "Enlace a este apartado",
  "Link to this image": "Enlace a esta imagen",
  "Toggle primary sidebar": "Mostrar u ocultar el menú",
  "Toggle secondary sidebar": "Mostrar u ocultar el índice de la página",
  "Main": "Lecciones",
  "Page": "Página",
};

// Lo que no cabe a lo ancho (código, figuras, tablas y fórmulas) se desplaza dentro de su caja: se desvanece por donde
// sigue (curso.css) y se alcanza con el teclado. Lo plegado no mide nada hasta que se abre.
const WIDE = 'pre, .cell_output [style*="overflow-x"], .pst-scrollable-table-container, div.math mjx-container';
const resized = new ResizeObserver((entries) => entries.forEach(({ target }) => cue(target)));

function cue(box) {
  const rest = box.scrollWidth - box.clientWidth;
  const wide = rest > 1;
  box.classList.toggle("hay-antes", wide && box.scrollLeft > 1);
  box.classList.toggle("hay-mas", wide && box.scrollLeft < rest - 1);
  if (box.matches("mjx-container")) return; // MathJax ya le da nombre y foco
  for (const [name, value] of [["tabindex", "0"], ["role", "group"], ["aria-label", "Se desplaza a los lados"]]) {
    wide ? box.setAttribute(name, value) : box.removeAttribute(name);
  }
}

function watchWide() {
  for (const box of document.querySelectorAll(WIDE)) {
    resized.observe(box);
    box.addEventListener("scroll", () => cue(box), { passive: true });
  }
}

document.addEventListener("DOMContentLoaded", async () => {
  // Lo impreso que no va en columnas (dos espacios seguidos entre palabras) se parte donde haga falta.
  for (const box of document.querySelectorAll(".cell_output pre")) {
    box.classList.toggle("seguido", !/\S {2,}\S/.test(box.textContent));
  }
  for (const attribute of ["title", "aria-label", "data-bs-original-title"]) {
    for (const node of document.querySelectorAll(`[${attribute}]`)) {
      const told = SPANISH[node.getAttribute(attribute)];
      if (told) node.setAttribute(attribute, told);
    }
  }
  // Lo plegado: myst-nb lo nombra en inglés («Toggle hidden content») y pone el mismo rótulo a una salida y al código.
  for (const summary of document.querySelectorAll("details.hide > summary")) summary.removeAttribute("aria-label");
  for (const box of document.querySelectorAll("details.hide.above-input > summary")) {
    box.querySelector(".collapsed").textContent = "Ver el código";
    box.querySelector(".expanded").textContent = "Plegar el código";
  }
  await window.MathJax?.startup?.promise; // antes, las fórmulas no están
  watchWide();
});
