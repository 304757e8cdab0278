"""Makes the catalogue that the shop shows: goods.json of goods.csv."""

import csv
import json

with open("goods.csv", newline="") as goods:
    rows = [{"name": row["name"], "cents": int(row["cents"])} for row in csv.DictReader(goods)]
with open("goods.json", "w") as catalogue:
    json.dump(rows, catalogue)
