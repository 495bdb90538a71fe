"""A local Apache Kafka for the tests, the demo and the benchmarks: `service.broker.local`."""
