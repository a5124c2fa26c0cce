// The inside of a JSON string: escapes. The bytes are valid UTF-8 without raw control characters when they come here.
#pragma once

#include <string>
#include <string_view>

namespace ebb {

// Replaces `*out` by the text that `raw`, the bytes between the quotes, stands for. False for an unknown escape, bad
// hexadecimal digits or a lone surrogate.
bool UnescapeJson(std::string_view raw, std::string* out);

}  // namespace ebb
