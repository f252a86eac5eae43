"""The groups that `greenlight --help` lists commands in, in the order in which somebody needs them."""

from cyclopts import Group

SET_UP = Group.create_ordered("Set up")
LOOK = Group.create_ordered("Look")
ENABLE = Group.create_ordered("Enable")
CUSTOMERS = Group.create_ordered("Customers")
SERVE = Group.create_ordered("Serve")
KEEP = Group.create_ordered("Keep")
OTHER = Group.create_ordered("This program")
