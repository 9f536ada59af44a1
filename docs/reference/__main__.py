"""Write the generated pages where they differ from what is there."""

from pathlib import Path

from docs.reference import NOTE, PAGES

for name, page in PAGES.items():
    path, text = Path(__file__).parents[1] / name, NOTE + page()
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(f"written: docs/{name}")
