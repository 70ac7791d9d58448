package stripefake

type customer struct {
	head
	name, email, description, phone string
	metadata                        map[string]string
	deleted                         bool
}

func (u *customer) render(*Server) object {
	if u.deleted {
		return object{"id": u.id, "object": "customer", "deleted": true}
	}
	shown := u.shown("customer")
	shown["name"], shown["email"] = orNull(u.name), orNull(u.email)
	shown["description"], shown["phone"] = orNull(u.description), orNull(u.phone)
	shown["metadata"] = shownMap(u.metadata)
	shown["default_source"], shown["delinquent"], shown["balance"] = nil, false, int64(0)
	shown["invoice_settings"] = object{"default_payment_method": nil}
	return shown
}

const customersPath = "/v1/customers"

func customerRoutes() []route {
	fields := []string{"name", "email", "description", "phone", "metadata[*]"}
	return []route{
		{"POST " + customersPath, "customer", true, fields, createCustomer},
		{"GET " + customersPath + "/{id}", "customer", false, nil, getCustomer},
		{"POST " + customersPath + "/{id}", "customer", true, fields, updateCustomer},
		{"DELETE " + customersPath + "/{id}", "customer", true, nil, deleteCustomer},
		{"GET " + customersPath, "customer", false, listParams("email"), listCustomers},
		{
			"GET " + customersPath + "/{id}/payment_methods", "payment_method", false,
			listParams("type"), listCustomersMethods,
		},
	}
}

// listParams are the parameters of a list that is filtered by time and more.
func listParams(more ...string) []string {
	return append(append(periodOf("created"), pageOf...), more...)
}

func (c *call) customer(id, param string) (*customer, error) {
	u, err := find[*customer](c, "customer", id, param)
	if err != nil {
		return nil, err
	}
	if u.deleted {
		return nil, missing("customer", id, param)
	}
	return u, nil
}

func createCustomer(c *call) (object, error) {
	u := &customer{head: c.server.newHead("cus", c.live)}
	if err := u.change(c); err != nil {
		return nil, err
	}
	c.server.keep(u)
	c.server.emit("customer.created", u)
	return u.render(c.server), nil
}

func (u *customer) change(c *call) error {
	metadata, err := c.form.metadata("metadata", u.metadata)
	if err != nil {
		return err
	}
	u.metadata = metadata
	for name, field := range map[string]*string{
		"name": &u.name, "email": &u.email, "description": &u.description, "phone": &u.phone,
	} {
		if c.form.has(name) {
			*field = c.form.text(name)
		}
	}
	if u.email != "" && !mailAddress.MatchString(u.email) {
		return invalidCode("email_invalid", "email", "Invalid email address: %s", u.email)
	}
	return nil
}

func getCustomer(c *call) (object, error) {
	u, err := find[*customer](c, "customer", c.path(), "id")
	if err != nil {
		return nil, err
	}
	return u.render(c.server), nil
}

func updateCustomer(c *call) (object, error) {
	u, err := c.customer(c.path(), "id")
	if err != nil {
		return nil, err
	}
	changed := *u
	if err := changed.change(c); err != nil {
		return nil, err
	}
	*u = changed
	c.server.emit("customer.updated", u)
	return u.render(c.server), nil
}

func deleteCustomer(c *call) (object, error) {
	u, err := c.customer(c.path(), "id")
	if err != nil {
		return nil, err
	}
	u.deleted = true
	for _, m := range all[*method](c.server, "pm") {
		if m.customer == u.id {
			c.server.detach(m)
		}
	}
	c.server.emit("customer.deleted", u)
	return u.render(c.server), nil
}

func listCustomers(c *call) (object, error) {
	created, err := c.form.period("created")
	if err != nil {
		return nil, err
	}
	var found []thing
	for _, u := range all[*customer](c.server, "cus") {
		if created.has(u.created) && !u.deleted && (!c.form.has("email") || u.email == c.form.text("email")) {
			found = append(found, u)
		}
	}
	return c.page(found)
}

func listCustomersMethods(c *call) (object, error) {
	u, err := c.customer(c.path(), "customer")
	if err != nil {
		return nil, err
	}
	return c.page(c.server.methodsOf(u.id))
}
