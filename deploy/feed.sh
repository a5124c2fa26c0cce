#!/usr/bin/env bash
# Makes the topics and puts the made-up records into them, keyed by customer. Runs in the image of Apache Kafka.
set -euo pipefail
kafka=/opt/kafka/bin
broker=${EBB_BROKERS:?}
data=${1:?usage: feed.sh DIRECTORY}

for topic in calls recharges complaints; do
  "$kafka/kafka-topics.sh" --bootstrap-server "$broker" --create --if-not-exists --topic "telecom.$topic" \
    --partitions 2 --config message.timestamp.type=LogAppendTime
done
for topic in calls recharges complaints; do
  # The customer's id, a tab, the record as it is.
  sed -E 's/^(.*("subscriber":\{"id"|"subscriber_id"):"([^"]*)".*)$/\3\t\1/' "$data/$topic.jsonl" |
    "$kafka/kafka-console-producer.sh" --bootstrap-server "$broker" --topic "telecom.$topic" \
      --property parse.key=true --property "key.separator=$(printf '\t')" &
done
wait
echo "feed: all records are in the topics"
