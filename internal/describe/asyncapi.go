// SPDX-License-Identifier: Apache-2.0

package describe

import "slices"

// mqttBinding is the version of the MQTT binding that the document is written in.
const mqttBinding = "0.2.0"

// AsyncAPI describes what a client sends and receives over MQTT, as AsyncAPI 3.0: to send is what a client does.
func (d *Docs) AsyncAPI() ([]byte, error) {
	a := asyncDocument{Docs: d}
	for _, o := range d.operations {
		if o.route != "" {
			a.addRoute(o)
		}
	}
	a.addDeliveries()
	schemas := d.components()
	for i, m := range schemas {
		plain := *m.value.(*Schema)
		plain.Discriminator = nil // which means something else here
		plain.Properties = slices.Clone(plain.Properties)
		for j := range plain.Properties {
			plain.Properties[j].schema = orTruncated(plain.Properties[j].schema)
		}
		schemas[i].value = &plain
	}
	return encode(object{
		{"asyncapi", "3.0.0"},
		{"info", object{
			{"title", "Parley over MQTT"},
			{"version", d.version},
			{"description", "The client's side: what it publishes, and what it is sent. A reply comes on the MQTT 5 Response Topic of its request, any of the client's own topics but messages, " +
				"and otherwise on the client's replies. The same routes over HTTP are in openapi.json beside this file. Fields and types that a client does not know are to be ignored: more may come."},
			{"license", object{{"name", "Apache 2.0"}, {"url", "https://www.apache.org/licenses/LICENSE-2.0"}}},
		}},
		{"defaultContentType", "application/json"},
		{"servers", object{
			{"mqtt", server("localhost:1883", "mqtt", "MQTT 5.0 and 3.1.1 over TCP", "")},
			{"websocket", server("localhost:8080", "ws", "MQTT over WebSocket, sub-protocol mqtt", "/mqtt")},
		}},
		{"channels", a.channels},
		{"operations", a.operations},
		{"components", object{
			{"messages", a.messages},
			{"schemas", schemas},
			{"securitySchemes", object{{"account", object{{"type", "userPassword"},
				{"description", "The name of the account, with its password or an access token; or no name and a token"}}}}},
		}},
	})
}

func server(host, protocol, doc, path string) object {
	out := object{{"host", host}}
	if path != "" {
		out = out.with("pathname", path)
	}
	return out.with("protocol", protocol).with("description", doc).with("security", []object{reference("#/components/securitySchemes/account")})
}

func reference(to string) object { return object{{"$ref", to}} }

// asyncDocument gathers the parts of a document.
type asyncDocument struct {
	*Docs
	channels, operations, messages object
	known                          map[string]bool // messages
	replies                        []string        // names of messages, in order
}

// message adds a message of a schema and names it.
func (a *asyncDocument) message(sc *Schema, doc, status string) string {
	name := sc.refName()
	if a.known == nil {
		a.known = map[string]bool{}
	}
	if !a.known[name] {
		a.known[name] = true
		m := object{{"name", name}}
		if doc != "" {
			m = m.with("summary", doc)
		}
		a.messages = a.messages.with(name, append(m, object{{"payload", sc},
			{"examples", []object{{{"payload", a.schemas.withStatus(sc, status)}}}}}...))
	}
	return name
}

func (a *asyncDocument) addRoute(o *operation) {
	id, request := o.id(), a.message(o.in, "", "")
	channel := object{{"address", o.route}, {"messages", object{{request, reference("#/components/messages/" + request)}}}}
	if len(o.params) > 0 {
		var params object
		for _, p := range o.params {
			params = params.with(p.Name, object{{"description", p.Doc}, {"examples", []string{p.Example}}})
		}
		channel = channel.with("parameters", params)
	}
	a.channels = a.channels.with(id, channel)
	answers := []string{a.message(o.out, "", o.statuses[0])}
	if o.or != nil {
		answers = append(answers, a.message(o.or, "", o.statuses[0]))
	}
	answers = append(answers, a.message(ref("Failure"), "A request was refused", "error"))
	refs := make([]object, len(answers))
	for i, name := range answers {
		refs[i] = reference("#/channels/replies/messages/" + name)
		if !slices.Contains(a.replies, name) {
			a.replies = append(a.replies, name)
		}
	}
	a.operations = a.operations.with(id, object{
		{"action", "send"}, {"channel", reference("#/channels/" + id)}, {"summary", o.doc}, {"description", "For " + o.who + "."},
		{"tags", []object{{{"name", o.group()}}}},
		{"messages", []object{reference("#/channels/" + id + "/messages/" + request)}},
		{"bindings", object{{"mqtt", object{{"qos", int(o.qos)}, {"retain", false}, {"bindingVersion", mqttBinding}}}}},
		{"reply", object{{"channel", reference("#/channels/replies")}, {"messages", refs}}},
	})
}

// addDeliveries adds what the server sends: replies, all events, and those of one room.
func (a *asyncDocument) addDeliveries() {
	me := object{{"user_id", object{{"description", "Oneself"}, {"examples", []string{"bob"}}}}}
	var replies object
	for _, name := range a.replies {
		replies = replies.with(name, reference("#/components/messages/"+name))
	}
	var all, ofRoom object
	for _, sh := range a.shapes {
		name := a.message(sh.schema, sh.doc, "")
		all = all.with(name, reference("#/components/messages/"+name))
		if sh.name != "MessageHistoryEvent" && sh.name != "UserStatusEvent" {
			ofRoom = ofRoom.with(name, reference("#/components/messages/"+name))
		}
	}
	room := me.with("room_id", object{{"description", "The room"}, {"examples", []string{"general"}}})
	a.channels = append(a.channels,
		member{"messages", object{{"address", "chat/user/{user_id}/messages"}, {"description", "Everything that a user should know, on every device"}, {"messages", all}, {"parameters", me}}},
		member{"room", object{{"address", "chat/user/{user_id}/rooms/{room_id}"}, {"description", "One room alone, for small devices"}, {"messages", ofRoom}, {"parameters", room}}},
		member{"replies", object{{"address", "chat/user/{user_id}/replies"}, {"description", "Replies to requests that name no response topic"}, {"messages", replies}, {"parameters", me}}})
	receive := func(channel, doc string, qos int) object {
		return object{{"action", "receive"}, {"channel", reference("#/channels/" + channel)}, {"summary", doc},
			{"bindings", object{{"mqtt", object{{"qos", qos}, {"bindingVersion", mqttBinding}}}}}}
	}
	a.operations = append(a.operations,
		member{"receive_messages", receive("messages", "Hear of all that happens in one's rooms", 1)},
		member{"receive_room", receive("room", "Hear of all that happens in one room", 1)})
}

// orTruncated is the schema of what a page has, where that are events: one that is larger than the client's Maximum Packet Size comes
// truncated.
func orTruncated(sc *Schema) *Schema {
	switch sc.refName() {
	case "Message", "FoundMessage", "Event":
		return &Schema{AnyOf: []*Schema{sc, ref("TruncatedEvent")}}
	}
	out := *sc
	if sc.Items != nil {
		out.Items = orTruncated(sc.Items)
	}
	for _, list := range []*[]*Schema{&out.AllOf, &out.AnyOf} {
		*list = slices.Clone(*list)
		for i, one := range *list {
			(*list)[i] = orTruncated(one)
		}
	}
	return &out
}
