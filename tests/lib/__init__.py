# SPDX-License-Identifier: GPL-2.0-or-later
"""Helpers shared by the tests that drive a live daemon."""
