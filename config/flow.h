// A pipeline as a picture: sources, features, scores, alerts and outputs from left to right, and which reads which. As
// text for a terminal, and as SVG for a page.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/pipeline.h"

namespace ebb {

enum class FlowColumn : uint8_t { kSources, kFeatures, kComputed, kScores, kAlerts, kOutputs };
inline constexpr int kFlowColumns = 6;

// Immutable after construction.
struct Flow {
  struct Node {
    FlowColumn column;
    std::string title;
    std::vector<std::string> lines;
  };
  std::string title, subtitle;
  std::vector<Node> nodes;                 // column by column
  std::vector<std::pair<int, int>> edges;  // from, to; each once
};

Flow FlowOf(const PipelineFile& file);
// Some lines, as wide as its names need. Without `utf8` it is drawn with - | + >.
std::string FlowText(const Flow& flow, bool utf8);
// One <svg> element that needs nothing else, with colours for light and dark pages.
std::string FlowSvg(const Flow& flow);

}  // namespace ebb
