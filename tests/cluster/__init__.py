"""How clients get into a Kafka cluster that demands something of them."""
