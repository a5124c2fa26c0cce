// Writing JSON by appending to a string: the engine's outputs are small, flat and hot, so they need no document tree.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ebb {

// Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool IsValidUtf8(std::string_view bytes);
// A quoted JSON string. Bytes that aren't UTF-8 become U+FFFD.
void AppendJsonString(std::string_view text, std::string* out);
// The shortest digits that read back to the same double; null for NaN and infinities; -0 as 0.
void AppendJsonNumber(double value, std::string* out);
void AppendJsonNumber(int64_t value, std::string* out);

}  // namespace ebb
