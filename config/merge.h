// How the trees of several pipeline files become one. A mapping is laid over another key by key, at every depth;
// whatever isn't a mapping on both sides takes the place of what was there, and `KEY: null` removes it. A key that
// excludes others (`topic:` beside `file:`, `expr:` beside `from:`) removes them, as config/language.h knows them.
#pragma once

#include "config/yaml.h"

namespace ebb {

// `over` upon `base`, both of whole files. Keys keep their places, new ones follow. Reports a removal of nothing.
void LayOver(YamlNode over, YamlNode* base, Diagnostics* diagnostics);

// Adds to `base` what another file says that is included beside it, at `where`. Names of both must mean the same,
// unless `decider`, which includes the two, says which holds.
void JoinIncluded(const YamlNode& other, const YamlNode& decider, Span where, YamlNode* base, Diagnostics* diagnostics);

}  // namespace ebb
