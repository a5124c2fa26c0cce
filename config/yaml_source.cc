// Characters, lines and columns of a YAML file.
#include "config/yaml_source.h"

#include <algorithm>

namespace ebb {
namespace {

bool IsBlank(std::string_view character) {
  return character == " " || character == "\t" || character == "\n" || character == "\r";
}

}  // namespace

YamlSource::YamlSource(std::string_view text, int file) : text_(text), file_(file), lines_{0} {
  for (size_t i = 0; i < text.size(); ++i) {
    if (!IsContinuation(text[i])) bytes_.push_back(static_cast<uint32_t>(i));
    bool line_end = text[i] == '\n' || (text[i] == '\r' && text.substr(i + 1, 1) != "\n");
    if (line_end) lines_.push_back(static_cast<uint32_t>(bytes_.size()));
  }
  bytes_.push_back(static_cast<uint32_t>(text.size()));
}

Position YamlSource::PositionOf(size_t index) const {
  index = std::min(index, size());
  auto next = std::upper_bound(lines_.begin(), lines_.end(), index);
  size_t line = static_cast<size_t>(next - lines_.begin());
  return {static_cast<int>(line), static_cast<int>(index - lines_[line - 1]) + 1, file_};
}

std::string_view YamlSource::CharacterAt(size_t index) const {
  if (index >= size()) return {};
  return text_.substr(bytes_[index], bytes_[index + 1] - bytes_[index]);
}

std::string_view YamlSource::LineOf(size_t index) const {
  size_t line = static_cast<size_t>(PositionOf(index).line) - 1;
  std::string_view rest = text_.substr(bytes_[lines_[line]]);
  return rest.substr(0, rest.find_first_of("\r\n"));
}

size_t YamlSource::IndexOfByte(size_t byte) const {
  auto next = std::upper_bound(bytes_.begin(), bytes_.end() - 1, byte);
  return next == bytes_.begin() ? 0 : static_cast<size_t>(next - bytes_.begin()) - 1;
}

size_t YamlSource::SourceLength(size_t index, YamlNode::Style style) const {
  std::string_view c = CharacterAt(index);
  if (style == YamlNode::Style::kSingleQuoted && c == "'") return 2;
  if (style != YamlNode::Style::kDoubleQuoted || c != "\\") return 1;
  std::string_view kind = CharacterAt(index + 1);
  return kind == "x" ? 4 : (kind == "u" ? 6 : (kind == "U" ? 10 : 2));
}

std::vector<Position> YamlSource::PlacesOf(std::string_view value, YamlNode::Style style, size_t begin,
                                           size_t end) const {
  if (style == YamlNode::Style::kBlock) return std::vector<Position>(value.size() + 1, PositionOf(begin));
  bool quoted = style != YamlNode::Style::kPlain;
  std::vector<Position> places;
  places.reserve(value.size() + 1);
  size_t at = begin + (quoted ? 1 : 0);
  for (size_t i = 0; i < value.size(); ++i) {
    if (i > 0 && IsContinuation(value[i])) {
      places.push_back(places.back());
      continue;
    }
    // A line break inside a plain scalar is one space, or fewer line breaks, in the value.
    bool folded = !quoted && CharacterAt(at).substr(0, 1) != value.substr(i, 1);
    while (folded && at < end && IsBlank(CharacterAt(at))) ++at;
    places.push_back(PositionOf(at));
    if (!folded || CharacterAt(at).substr(0, 1) == value.substr(i, 1)) at += SourceLength(at, style);
  }
  places.push_back(PositionOf(quoted && end > begin ? end - 1 : end));
  return places;
}

}  // namespace ebb
