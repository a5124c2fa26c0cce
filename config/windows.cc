// The sections `accuracy:` and `windows:`: lengths, and the tiles that they are kept in.
#include <array>

#include <fmt/format.h>

#include "config/assembler.h"
#include "operators/window/periods.h"

namespace ebb {
namespace {

constexpr std::array<DurationMs, 6> kTiles = {kDay, 6 * kHour, kHour, 15 * kMinute, 5 * kMinute, kMinute};

// The largest error that a window's edge can make, as a share of the window.
double EdgeError(DurationMs tile, DurationMs length) {
  return static_cast<double>(tile) / (2.0 * static_cast<double>(length));
}

}  // namespace

void Assembler::ReadAccuracy(const YamlNode& node, Span where) {
  MappingReader reader(node, where, "'accuracy:'", diagnostics_);
  if (const YamlNode* edge = reader.Take("max_edge_error")) {
    std::optional<double> share = ReadPercent(*edge, "max_edge_error", diagnostics_);
    if (share && (*share <= 0 || *share > 0.5)) {
      diagnostics_->Add("E0203", edge->span, fmt::format("{} is out of range for 'max_edge_error:'", ShownText(*edge)),
                        "more than 0%, at most 50%");
    } else if (share) {
      out_.max_edge_error = *share;
    }
  }
  reader.Finish();
}

void Assembler::ReadWindows(const YamlNode& node) {
  for (size_t i : NamedEntries(node, "windows")) {
    if (plan_.windows.size() == kMaxWindows) {
      diagnostics_->Add("E0209", node.keys[i].span, fmt::format("more than {} windows", kMaxWindows));
      return;
    }
    ReadWindow(node.keys[i], node.values[i]);
  }
}

void Assembler::ReadWindow(const YamlNode& key, const YamlNode& node) {
  WindowPlan window;
  window.name = key.text;
  bool good = false;
  if (node.is_mapping()) {
    MappingReader reader(node, key.span, fmt::format("window {}", Quoted(key.text)), diagnostics_);
    const YamlNode* length = reader.Require("length");
    const YamlNode* tile = reader.Take("tile");
    const YamlNode* hop = reader.Take("hop");
    const YamlNode* offset = reader.Take("offset");
    std::optional<DurationMs> read = length != nullptr ? ReadDuration(*length, "length", diagnostics_) : std::nullopt;
    window.length = read.value_or(0);
    if (offset != nullptr && hop == nullptr) {
      diagnostics_->Add("E0113", reader.KeySpan("offset"), "'offset:' belongs to 'hop:'",
                        "it says when the periods of a tumbling or hopping window begin");
    } else if (hop != nullptr && tile != nullptr) {
      diagnostics_->Add("E0113", reader.KeySpan("tile"), "'tile:' doesn't go with 'hop:'",
                        "a window with a hop is made of whole periods; leave 'tile:' away");
    } else if (hop != nullptr) {
      good = read && ReadHop(*length, *hop, offset, &window);
    } else if (read && tile == nullptr) {
      good = ChooseTile(*length, &window);
    } else if (tile != nullptr) {
      std::optional<DurationMs> by_hand = ReadDuration(*tile, "tile", diagnostics_);
      window.tile = by_hand.value_or(0);
      good = read && by_hand && CheckTile(*tile, window);
    }
    reader.Finish();
  } else if (node.is_scalar() && node.text == "ever") {
    good = true;
  } else if (std::optional<DurationMs> length = ReadDuration(node, key.text, diagnostics_)) {
    window.length = *length;
    good = ChooseTile(node, &window);
  }
  plan_.windows.push_back(window);
  window_names_.push_back(key.text);
  window_broken_.push_back(!good);
}

// A window of whole periods.
bool Assembler::ReadHop(const YamlNode& length, const YamlNode& hop, const YamlNode* offset, WindowPlan* window) {
  std::optional<DurationMs> period = ReadDuration(hop, "hop", diagnostics_);
  if (!period) return false;
  window->closed = true;
  window->tile = *period;
  auto refuse = [&](const YamlNode& node, std::string message, std::string hint) {
    diagnostics_->Add("E0207", node.span, std::move(message), std::move(hint));
    return false;
  };
  if (*period < kSecond) return refuse(hop, "a hop is at least 1s long", "");
  if (window->length == 0 || window->length % *period != 0) {
    return refuse(
        length,
        fmt::format("hops of {} don't divide a window of {}", FormatDuration(*period), FormatDuration(window->length)),
        "the length must be a multiple of the hop; equal to it for a tumbling window");
  }
  if (window->length / *period > PeriodRing::kMaxPeriods) {
    return refuse(
        length,
        fmt::format("{} periods are too many, the limit is {}", window->length / *period, PeriodRing::kMaxPeriods),
        "choose a longer hop");
  }
  if (offset == nullptr) return true;
  std::optional<DurationMs> begin = ReadDuration(*offset, "offset", diagnostics_);
  window->offset = begin.value_or(0);
  if (begin && *begin >= *period) return refuse(*offset, "the offset must be shorter than the hop", "");
  return begin.has_value();
}

bool Assembler::ChooseTile(const YamlNode& node, WindowPlan* window) {
  if (window->length < kMinute || window->length % kMinute != 0) {
    diagnostics_->Add("E0207", node.span,
                      fmt::format("a window of {} can't be divided into tiles", FormatDuration(window->length)),
                      "a window is a whole number of minutes");
    return false;
  }
  for (DurationMs tile : kTiles) {
    bool fits = window->length % tile == 0 && EdgeError(tile, window->length) <= out_.max_edge_error &&
                window->length / tile <= static_cast<int64_t>(kMaxTiles);
    if (!fits) continue;
    window->tile = tile;
    return true;
  }
  diagnostics_->Add("E0207", node.span,
                    fmt::format("no tile divides {} and keeps the error at its edge within {:g}%",
                                FormatDuration(window->length), out_.max_edge_error * 100),
                    "choose another length, set tile: by hand, or allow more in accuracy: {max_edge_error}",
                    {"tiles: 1m, 5m, 15m, 1h, 6h, 1d"});
  return false;
}

bool Assembler::CheckTile(const YamlNode& node, const WindowPlan& window) {
  const DurationMs tile = window.tile;
  auto refuse = [&](std::string message, std::string hint) {
    diagnostics_->Add("E0207", node.span, std::move(message), std::move(hint));
    return false;
  };
  if (tile < kSecond) return refuse("a tile is at least 1s long", "");
  if (window.length == 0 || window.length % tile != 0) {
    return refuse(
        fmt::format("tiles of {} don't divide a window of {}", FormatDuration(tile), FormatDuration(window.length)),
        "the length must be a multiple of the tile");
  }
  if (tile < kDay && kDay % tile != 0) {
    return refuse(fmt::format("tiles of {} don't divide a day", FormatDuration(tile)), "as 30m, 1h, 6h do");
  }
  if (tile > kDay && tile % kDay != 0) return refuse("a tile of more than a day must be whole days", "");
  if (window.length / tile > static_cast<int64_t>(kMaxTiles)) {
    return refuse(fmt::format("{} tiles are too many, the limit is {}", window.length / tile, kMaxTiles),
                  "choose larger tiles");
  }
  return true;
}

}  // namespace ebb
