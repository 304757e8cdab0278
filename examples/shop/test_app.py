"""What is to be true of every commit."""

import json
import unittest

from app import price


class Prices(unittest.TestCase):
    def test_cents_have_two_digits(self):
        self.assertEqual(price(405), "4.05")

    def test_everything_has_a_price(self):
        with open("goods.json") as catalogue:
            self.assertTrue(all(one["cents"] > 0 for one in json.load(catalogue)))
