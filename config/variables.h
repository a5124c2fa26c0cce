// ${NAME}, ${NAME:-default} and ${file:PATH} inside the values of a YAML document, resolved after parsing so that
// nothing in a variable can change the document's structure. The content of a secret file never appears in a message.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "config/yaml.h"

namespace ebb {

// Immutable after construction.
struct VariableSource {
  // The value of an environment variable, or empty.
  std::function<std::optional<std::string>(const std::string& name)> environment;
  // Paths of ${file:PATH} are relative to this folder; empty: the working directory.
  std::string folder;
};

// Reads the process's environment.
std::optional<std::string> ProcessEnvironment(const std::string& name);

// Replaces them in all scalar values below `node`; keys stay as they are. `$${` becomes a literal `${`.
void ResolveVariables(const VariableSource& source, YamlNode* node, Diagnostics* diagnostics);

}  // namespace ebb
