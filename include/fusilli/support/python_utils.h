// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Looks for a compiler library among the packages of the machine's Python.

#ifndef FUSILLI_SUPPORT_PYTHON_UTILS_H
#define FUSILLI_SUPPORT_PYTHON_UTILS_H

#include <fusilli/support/export.h>

#include <optional>
#include <string>
#include <vector>

namespace fusilli {

/// The site-packages folders of `python3`, empty if there is no Python.
FUSILLI_EXPORT std::vector<std::string> getPythonSitePackages();

/// The first existing file `<site-packages>/<relativePath>`.
FUSILLI_EXPORT std::optional<std::string>
findInSitePackages(const std::string &relativePath);

/// The compiler library, if one is installed as a Python package.
FUSILLI_EXPORT std::optional<std::string> findIreeCompilerLib();

} // namespace fusilli

#endif // FUSILLI_SUPPORT_PYTHON_UTILS_H
