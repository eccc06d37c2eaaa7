# SPDX-License-Identifier: Apache-2.0
"""Each says which cap it wants, and why. Pure: a situation in, a proposal out."""
