// The picture as SVG: cards in columns, curves between them. Widths of texts are taken from their number of characters,
// so what could be too long is cut, with the whole in a tooltip.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "config/diagnostic.h"
#include "config/flow.h"

namespace ebb {
namespace {

constexpr int kCardWidth = 206, kColumnGap = 72, kRowGap = 18, kMargin = 28;
constexpr int kHeadHeight = 30, kLineHeight = 17, kCardPadding = 12;
constexpr int kTopHeight = 104;  // title, subtitle and the columns' headings
constexpr size_t kTitleCharacters = 24, kLineCharacters = 27;

constexpr const char* kHeadings[] = {"Sources", "Features", "Computed", "Scores", "Alerts", "Outputs"};
constexpr const char* kStyle = R"(
.ebb{--paper:#fbfaf8;--card:#fff;--line:#dcd8d0;--ink:#1f2328;--soft:#646a73;--edge:#9aa3ad;
--c0:#2f6fde;--c1:#0f8b7d;--c2:#7a56c9;--c3:#b7791f;--c4:#c93c37;--c5:#57606a}
@media (prefers-color-scheme:dark){.ebb{--paper:#15181c;--card:#1e2329;--line:#363d46;--ink:#e8eaed;--soft:#9ba4af;
--edge:#5f6975;--c0:#6ea8ff;--c1:#3ec9b6;--c2:#b394ff;--c3:#e6b04f;--c4:#ff7b72;--c5:#a8b1bb}}
.ebb text{font-family:ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
.ebb .paper{fill:var(--paper)}.ebb .title{font-size:20px;font-weight:650;fill:var(--ink)}
.ebb .sub{font-size:13px;fill:var(--soft)}
.ebb .heading{font-size:11px;font-weight:600;letter-spacing:.09em;fill:var(--soft)}
.ebb .card{fill:var(--card);stroke:var(--line)}.ebb .name{font-size:14px;font-weight:600;fill:var(--ink)}
.ebb .line{font-size:12px;fill:var(--soft)}.ebb .edge{fill:none;stroke:var(--edge);stroke-width:1.4}
.ebb .tip{fill:var(--edge)})";

struct Card {
  int x = 0, y = 0, height = 0;
};

std::string Escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// A text of at most `most` characters; a longer one is cut and has the whole as a tooltip.
std::string Text(std::string_view style, int x, int y, std::string_view text, size_t most) {
  size_t end = 0;
  for (size_t characters = 0; end < text.size(); ++end) {
    if (!IsContinuation(text[end]) && characters++ == most) break;
  }
  const bool cut = end < text.size();
  while (cut && end > 0 && IsContinuation(text[end - 1])) --end;
  const std::string shown = cut ? Escaped(text.substr(0, end - 1)) + "…" : Escaped(text);
  return fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\">{}{}</text>\n", style, x, y,
                     cut ? fmt::format("<title>{}</title>", Escaped(text)) : "", shown);
}

std::string CardSvg(const Flow::Node& node, const Card& card) {
  const int column = static_cast<int>(node.column);
  std::string out = fmt::format(
      "<rect class=\"card\" x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{3}\" rx=\"8\"/>\n"
      "<rect x=\"{0}\" y=\"{4}\" width=\"4\" height=\"{5}\" rx=\"2\" style=\"fill:var(--c{6})\"/>\n",
      card.x, card.y, kCardWidth, card.height, card.y + 8, card.height - 16, column);
  out += Text("name", card.x + 16, card.y + 23, node.title, kTitleCharacters);
  for (size_t i = 0; i < node.lines.size(); ++i) {
    out += Text("line", card.x + 16, card.y + kHeadHeight + 13 + static_cast<int>(i) * kLineHeight, node.lines[i],
                kLineCharacters);
  }
  return out;
}

std::string EdgeSvg(const Card& from, const Card& to) {
  const int x1 = from.x + kCardWidth, x2 = to.x - 7;
  const int y1 = from.y + from.height / 2, y2 = to.y + to.height / 2;
  if (to.x == from.x) {  // a score that reads another one of its column: around on the right
    return fmt::format("<path class=\"edge\" marker-end=\"url(#ebb-tip)\" d=\"M{0} {1} C{2} {1} {2} {3} {4} {3}\"/>\n",
                       x1, y1 + 6, x1 + 44, y2 - 6, x1 + 7);
  }
  const int bend = std::max(36, (x2 - x1) / 2);
  return fmt::format("<path class=\"edge\" marker-end=\"url(#ebb-tip)\" d=\"M{} {} C{} {} {} {} {} {}\"/>\n", x1, y1,
                     x1 + bend, y1, x2 - bend, y2, x2, y2);
}

}  // namespace

std::string FlowSvg(const Flow& flow) {
  std::array<int, kFlowColumns> heights{}, lefts{}, tops{};
  std::vector<Card> cards(flow.nodes.size());
  for (size_t n = 0; n < flow.nodes.size(); ++n) {
    const Flow::Node& node = flow.nodes[n];
    const int lines = static_cast<int>(node.lines.size());
    cards[n].height = lines == 0 ? kHeadHeight + 6 : kHeadHeight + lines * kLineHeight + kCardPadding;
    heights[static_cast<int>(node.column)] += cards[n].height + kRowGap;
  }
  int width = kMargin;
  for (int c = 0; c < kFlowColumns; ++c) {
    lefts[c] = width;
    if (heights[c] > 0) width += kCardWidth + kColumnGap;
  }
  width += kMargin - kColumnGap;
  const int inner = *std::max_element(heights.begin(), heights.end()) - kRowGap;
  const int height = kTopHeight + inner + kMargin;
  for (int c = 0; c < kFlowColumns; ++c) tops[c] = kTopHeight + (inner - (heights[c] - kRowGap)) / 2;
  for (size_t n = 0; n < flow.nodes.size(); ++n) {
    const int c = static_cast<int>(flow.nodes[n].column);
    cards[n].x = lefts[c];
    cards[n].y = tops[c];
    tops[c] += cards[n].height + kRowGap;
  }
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ebb\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "role=\"img\" aria-label=\"The pipeline {2}\">\n<style>{3}</style>\n"
      "<defs><marker id=\"ebb-tip\" viewBox=\"0 0 8 8\" refX=\"2\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" "
      "orient=\"auto\"><path class=\"tip\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n"
      "<rect class=\"paper\" width=\"{0}\" height=\"{1}\" rx=\"12\"/>\n",
      width, height, Escaped(flow.title), kStyle);
  out += Text("title", kMargin, 40, flow.title, 80);
  out += Text("sub", kMargin, 61, flow.subtitle, 120);
  for (int c = 0; c < kFlowColumns; ++c) {
    if (heights[c] == 0) continue;
    std::string heading = kHeadings[c];
    std::transform(heading.begin(), heading.end(), heading.begin(), [](char letter) {
      return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 32) : letter;
    });
    out += Text("heading", lefts[c], kTopHeight - 12, heading, 20);
  }
  for (auto [from, to] : flow.edges) out += EdgeSvg(cards[from], cards[to]);
  for (size_t n = 0; n < flow.nodes.size(); ++n) out += CardSvg(flow.nodes[n], cards[n]);
  return out + "</svg>\n";
}

}  // namespace ebb
