document.addEventListener("DOMContentLoaded", () => {
  // Las figuras anchas se desplazan dentro de su caja: que también se pueda con el teclado.
  for (const box of document.querySelectorAll('.cell_output [style*="overflow-x"], .cell_input pre, .cell_output pre')) {
    box.tabIndex = 0;
  }
  // Lo impreso que no va en columnas (dos espacios seguidos entre palabras) se parte donde haga falta.
  for (const box of document.querySelectorAll(".cell_output pre")) {
    box.classList.toggle("seguido", !/\S {2,}\S/.test(box.textContent));
  }
  // Sphinx pone el mismo rótulo a lo que pliega una salida y a lo que pliega el código.
  for (const box of document.querySelectorAll("details.hide.above-input")) {
    const [shown, folded] = box.querySelectorAll("summary span");
    if (shown) shown.textContent = "Ver el código";
    if (folded) folded.textContent = "Plegar el código";
  }
});
