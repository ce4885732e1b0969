// Las figuras anchas se desplazan dentro de su caja: que también se pueda con el teclado.
document.addEventListener("DOMContentLoaded", () => {
  for (const box of document.querySelectorAll('.cell_output [style*="overflow-x"], .cell_input pre, .cell_output pre')) {
    box.tabIndex = 0;
  }
});
