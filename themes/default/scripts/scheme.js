// scheme.js - takes up the chosen light or dark before the page is painted.
// SPDX-License-Identifier: AGPL-3.0-or-later
try {
  const scheme = localStorage.getItem('shoal.scheme')
  if (scheme === 'light' || scheme === 'dark') {
    document.documentElement.dataset.scheme = scheme
  }
} catch {
  // no storage: the system's choice stays
}
