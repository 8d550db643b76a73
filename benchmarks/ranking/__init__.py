"""How good are lists of items?"""
