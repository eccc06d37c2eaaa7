# SPDX-License-Identifier: Apache-2.0
"""Tells a Kubernetes node what its cap is: annotations with numbers, one coarse label. Imported only where wanted."""
