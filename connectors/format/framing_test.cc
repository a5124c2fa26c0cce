// Records out of text: the same whatever the pieces in which the text comes.
#include "connectors/format/framing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/base/random.h"

namespace ebb {
namespace {

using Frames = std::vector<std::pair<std::string, Reason>>;

// All records of a text that comes in pieces of `piece` bytes.
Frames Split(Format format, std::string_view text, size_t piece) {
  Framer framer(format);
  Frames frames;
  std::string rest;
  size_t given = 0;
  while (true) {
    const bool last = given == text.size();
    std::string_view view = rest;
    Frame frame;
    while (framer.Next(&view, last, &frame)) frames.emplace_back(frame.bytes, frame.reason);
    if (last) {
      EXPECT_EQ(view, "");
      return frames;
    }
    EXPECT_LE(view.size(), Framer::kMaxRest);
    rest = std::string(view) + std::string(text.substr(given, piece));
    given = std::min(text.size(), given + piece);
  }
}

Frames Good(const std::vector<std::string>& records) {
  Frames frames;
  for (const std::string& record : records) frames.emplace_back(record, Reason::kNone);
  return frames;
}

TEST(FramingTest, Lines) {
  const std::pair<std::string, std::vector<std::string>> cases[] = {
      {"", {}},
      {"a", {"a"}},
      {"a\n", {"a"}},
      {"a\nb", {"a", "b"}},
      {"a\r\nb\r\n", {"a", "b"}},
      {"\n", {""}},
      {"\r\n", {""}},
      {"a\n\n\r\nb\n", {"a", "", "", "b"}},
      {"a\rb\n", {"a\rb"}},
      {"a\r", {"a"}},
      {"a\n\r", {"a"}},
      {"\"a\nb\"\n", {"\"a", "b\""}},
  };
  for (const auto& [text, records] : cases) {
    for (size_t piece = 1; piece <= 5; ++piece) EXPECT_EQ(Split(Format::kJson, text, piece), Good(records)) << text;
  }
}

TEST(FramingTest, CsvRecords) {
  const std::pair<std::string, std::vector<std::string>> cases[] = {
      {"", {}},
      {"a,b\nc,d", {"a,b", "c,d"}},
      {"a,\"b\"\r\nc\n", {"a,\"b\"", "c"}},
      {"a,\"b\nc\",d\ne\n", {"a,\"b\nc\",d", "e"}},
      {"\"b\r\nc\"\r\ne", {"\"b\r\nc\"", "e"}},
      {"\"b\"\"\n\"\"c\"\ne\n", {"\"b\"\"\n\"\"c\"", "e"}},
      {"\"\"\n\"\"\n", {"\"\"", "\"\""}},
      {"5\" nail,1\n6\" nail,2\n", {"5\" nail,1", "6\" nail,2"}},
      {"a,\"b\n\nc\"", {"a,\"b\n\nc\""}},
      {"\n\na\n", {"", "", "a"}},
      {"\"a\"\r", {"\"a\""}},
  };
  for (const auto& [text, records] : cases) {
    for (size_t piece = 1; piece <= 9; ++piece) EXPECT_EQ(Split(Format::kCsv, text, piece), Good(records)) << text;
  }
}

TEST(FramingTest, BrokenQuotesCostOneRecord) {
  const std::pair<std::string, Frames> cases[] = {
      {"a,\"b\nc\nd\n", {{"a,\"b", Reason::kCsvSyntax}, {"c", Reason::kNone}, {"d", Reason::kNone}}},
      {"a,\"b", {{"a,\"b", Reason::kCsvSyntax}}},
      {"\"a\"x,\"y\nz\n", {{"\"a\"x,\"y", Reason::kCsvSyntax}, {"z", Reason::kNone}}},
      {"\"a\n\"b\nc\n", {{"\"a", Reason::kCsvSyntax}, {"\"b", Reason::kCsvSyntax}, {"c", Reason::kNone}}},
  };
  for (const auto& [text, frames] : cases) {
    for (size_t piece = 1; piece <= 9; ++piece) EXPECT_EQ(Split(Format::kCsv, text, piece), frames) << text;
  }
}

TEST(FramingTest, LongRecords) {
  const size_t max = static_cast<size_t>(kMaxRecordBytes);
  const std::string fits(max, 'x');
  const std::string shown(256, 'x');
  const std::string open = "\"" + std::string(100, 'q') + "\n";
  for (const size_t piece : {size_t{65536}, max - 1, max, max + 1, max + 2, 4 * max}) {
    for (const Format format : {Format::kJson, Format::kCsv}) {
      EXPECT_EQ(Split(format, fits + "\r\na\n", piece), Good({fits, "a"}));
      EXPECT_EQ(Split(format, fits, piece), Good({fits}));
      const Frames cut = {{shown, Reason::kTooLarge}, {"a", Reason::kNone}};
      EXPECT_EQ(Split(format, fits + "x\na\n", piece), cut);
      EXPECT_EQ(Split(format, fits + fits + fits + "\r\na", piece), cut);
      EXPECT_EQ(Split(format, fits + "x", piece), (Frames{{shown, Reason::kTooLarge}}));
    }
    // A quote that stays open for longer than a record may be.
    const std::string line(1023, 'y');
    std::string text = open;
    Frames frames = {{open.substr(0, open.size() - 1), Reason::kCsvSyntax}};
    for (int i = 0; i < 1100; ++i) {
      text += line + "\n";
      frames.emplace_back(line, Reason::kNone);
    }
    EXPECT_EQ(Split(Format::kCsv, text, piece), frames);
    // A quoted record that is closed, but too long.
    frames.emplace_back("\"", Reason::kCsvSyntax);
    EXPECT_EQ(Split(Format::kCsv, text + "\"\n", piece), frames);
  }
}

TEST(FramingTest, PiecesNeverMatter) {
  constexpr std::string_view kBytes = "a,,\"\"\n\n\r";
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    Random random(seed);
    std::string text(random.Below(60), ' ');
    for (char& byte : text) byte = kBytes[random.Below(kBytes.size())];
    for (const Format format : {Format::kJson, Format::kCsv}) {
      const Frames whole = Split(format, text, 1000);
      for (size_t piece = 1; piece < 12; ++piece) {
        ASSERT_EQ(Split(format, text, piece), whole) << "seed " << seed << " piece " << piece << ": " << text;
      }
    }
  }
}

}  // namespace
}  // namespace ebb
