"""Al acabar, una tabla: qué lección, cuántos segundos de CPU y cuánta memoria."""


def pytest_terminal_summary(terminalreporter):
    passed = terminalreporter.getreports("passed")
    rows = [value for report in passed for name, value in report.user_properties if name == "medida"]
    if rows:
        terminalreporter.section("lo que ha costado cada lección (CPU, un hilo)")
    for row in sorted(rows, key=lambda row: row["what"]):
        terminalreporter.line(f"{row['what']:55} {row['seconds']:5.0f} s {row['gib']:5.1f} GiB")
