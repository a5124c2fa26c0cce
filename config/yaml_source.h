// The text of a YAML file by characters: libyaml tells places as numbers of characters, people think in lines and
// columns.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/yaml.h"

namespace ebb {

// Immutable after construction.
class YamlSource {
 public:
  // `text` is valid UTF-8 without a byte order mark, and outlives this.
  // `file` is the number that its positions carry.
  explicit YamlSource(std::string_view text, int file = 0);

  // `index` counts characters from 0; one past the last is the end.
  Position PositionOf(size_t index) const;
  // The bytes of the character; empty at the end.
  std::string_view CharacterAt(size_t index) const;
  // The whole line in which the character stands, without its end.
  std::string_view LineOf(size_t index) const;
  // Number of the character in which the byte stands.
  size_t IndexOfByte(size_t byte) const;
  size_t size() const { return bytes_.size() - 1; }

  // The place of each byte of a scalar's value and of its end, found by walking the value and the source side by side.
  // [begin, end) are the characters of the scalar, quotes included.
  std::vector<Position> PlacesOf(std::string_view value, YamlNode::Style style, size_t begin, size_t end) const;

 private:
  // Characters that one character of the value takes in the source at `index`.
  size_t SourceLength(size_t index, YamlNode::Style style) const;

  std::string_view text_;
  int file_;
  std::vector<uint32_t> bytes_;  // first byte of each character, and the end
  std::vector<uint32_t> lines_;  // first character of each line
};

}  // namespace ebb
