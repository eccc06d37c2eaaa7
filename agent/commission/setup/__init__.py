# SPDX-License-Identifier: Apache-2.0
"""`pgood setup`, the guided first run: what is found, what is asked, what is written. It drives no line."""
